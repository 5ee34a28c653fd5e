class CreateOrders < ActiveRecord::Migration[6.1]
  def change
    create_table :orders do |t|
      t.string :item, null: false
      t.datetime :created_at
    end
  end
end
