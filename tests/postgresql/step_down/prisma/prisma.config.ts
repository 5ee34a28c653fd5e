// Prisma 6 without its downloaded engine: the one inside of the package, by the adapter for pg.
import { defineConfig } from 'prisma/config'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
// the WASM engine leaves its 10 s advisory-lock timer pending: do not let it hold the process
const st: any = globalThis.setTimeout
;(globalThis as any).setTimeout = (f: any, ms: any, ...a: any[]) => { const t = st(f, ms, ...a); if (ms >= 10000) t?.unref?.(); return t }
// adapter-pg has no mapping for OID 19 (name), which the migrate engine reads: hand it over as text (25)
const q: any = pg.Client.prototype.query
const fix = (r: any) => { for (const f of r?.fields ?? []) if (f.dataTypeID === 19) f.dataTypeID = 25; return r }
pg.Client.prototype.query = function (this: any, ...a: any[]) {
  const cb = a[a.length - 1]
  if (typeof cb === 'function') { a[a.length - 1] = (e: any, r: any) => cb(e, fix(r)); return q.apply(this, a) }
  const r = q.apply(this, a)
  return r?.then ? r.then(fix) : r
} as any
export default defineConfig({
  experimental: { adapter: true },
  engine: 'js',
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL, idleTimeoutMillis: 50, allowExitOnIdle: true }),
})
