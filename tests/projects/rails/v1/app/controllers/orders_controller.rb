class OrdersController < ActionController::Base
  skip_forgery_protection
  VERSION = Rails.root.join("REVISION").read.strip

  def index
    @orders = Order.order(id: :desc).limit(20)
  end

  def create
    Order.create!(item: params.require(:item))
    render plain: "stored #{params[:item]}\n", status: :created
  end

  def version
    render plain: VERSION
  end

  def up
    render plain: "ok, #{Order.count} orders\n"
  end
end
