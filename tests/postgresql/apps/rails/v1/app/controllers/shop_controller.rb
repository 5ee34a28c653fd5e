# The shop, by HTTP: what a release knows of an order is in Release.
class ShopController < ActionController::Base
  skip_forgery_protection
  before_action :door
  VERSION = Rails.root.join("VERSION").read.strip

  def health
    Product.count
    render plain: "ok"
  end

  def version
    render plain: VERSION
  end

  def order
    made = place(params[:token], params[:customer])
    render json: { id: made.id, token: made.token }, status: :created
  end

  def ship
    render json: { shipped: Order.where(token: params[:token]).update_all(status: "shipped") }
  end

  def cancel
    render json: { cancelled: Order.where(token: params[:token]).destroy_all.size }
  end

  # Places an order, reads it and takes it back.
  def selftest
    Order.transaction do
      Order.find(place("selftest", "selftest@shop.example").id)
      raise ActiveRecord::Rollback
    end
    render plain: "ok"
  end

  private

  # Closed: 503 for everybody who does not come from behind it.
  def door
    return unless File.exist?(ENV.fetch("SHOP_DOOR")) && !request.headers["X-Behind"]

    render plain: "closed", status: :service_unavailable
  end

  def place(token, address)
    Order.transaction do
      who = Customer.create_or_find_by!(Release.customer(address))
      Order.create!(token: token, customer: who, product: Product.order(:id).first, **Release.details(params))
    end
  end
end
