class RenameEmail < ActiveRecord::Migration[6.1]
  def change
    rename_column :customers, :email, :mail
  end
end
