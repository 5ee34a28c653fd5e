# A backfill, and irreversible: nothing says how to go back.
class PricesInCents < ActiveRecord::Migration[6.1]
  def up
    execute "UPDATE products SET price = price * 100"
  end

  def down
    raise ActiveRecord::IrreversibleMigration
  end
end
