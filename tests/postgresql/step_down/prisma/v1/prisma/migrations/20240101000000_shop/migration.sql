CREATE TABLE "orders" ("id" SERIAL NOT NULL, "note" TEXT NOT NULL, CONSTRAINT "orders_pkey" PRIMARY KEY ("id"));
