# What differs between the releases.
module Release
  def self.customer(address)
    { email: address }
  end

  def self.details(params)
    { note: params[:note].to_s }
  end
end
