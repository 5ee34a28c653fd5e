class CreateReviews < ActiveRecord::Migration[6.1]
  def change
    create_table :reviews do |t|
      t.references :order, null: false, foreign_key: { on_delete: :cascade }
      t.integer :stars, null: false
    end
  end
end
