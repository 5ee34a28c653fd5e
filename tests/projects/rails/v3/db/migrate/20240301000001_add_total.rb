class AddTotal < ActiveRecord::Migration[6.1]
  def change
    add_column :orders, :total, :integer, null: false, default: 0
    add_index :orders, :total
  end
end
