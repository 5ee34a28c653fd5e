# Only additions: the release before need not know them.
class AddGift < ActiveRecord::Migration[6.1]
  def change
    add_column :orders, :gift, :boolean
    add_column :reviews, :text, :text
  end
end
