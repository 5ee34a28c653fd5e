class RemoveNote < ActiveRecord::Migration[6.1]
  def change
    remove_column :orders, :note, :string, null: false
  end
end
