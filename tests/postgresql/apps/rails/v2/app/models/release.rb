# What differs between the releases.
module Release
  def self.customer(address)
    { mail: address }
  end

  def self.details(params)
    { channel: params[:channel] || "web" }
  end
end
