# Fails: there are several orders of one status. The migration before it is applied by then.
class OneStatus < ActiveRecord::Migration[6.1]
  def change
    add_index :orders, :status, unique: true
  end
end
