class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table :customers do |t|
      t.string :email, null: false, index: { unique: true }
    end
    create_table :products do |t|
      t.string :name, null: false
      t.decimal :price, precision: 8, scale: 2, null: false
    end
    create_table :orders do |t|
      t.string :token, null: false, index: { unique: true }
      t.references :customer, null: false, foreign_key: { on_delete: :cascade }
      t.references :product, null: false, foreign_key: true
      t.string :note, null: false
      t.string :status, null: false, default: "new"
      t.datetime :created_at, null: false
    end
    reversible do |way|
      way.up { execute "INSERT INTO products (name, price) VALUES ('bread', 3.20), ('milk', 1.10)" }
    end
  end
end
