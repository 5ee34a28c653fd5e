# NOT NULL, with a default for the old rows alone: the release before cannot insert.
class AddChannel < ActiveRecord::Migration[6.1]
  def change
    add_column :orders, :channel, :string, null: false, default: "web"
    change_column_default :orders, :channel, from: "web", to: nil
  end
end
