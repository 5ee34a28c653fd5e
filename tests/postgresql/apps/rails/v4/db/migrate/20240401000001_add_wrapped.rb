class AddWrapped < ActiveRecord::Migration[6.1]
  def change
    add_column :orders, :wrapped, :boolean, null: false, default: false
    change_column_default :orders, :wrapped, from: false, to: nil
  end
end
