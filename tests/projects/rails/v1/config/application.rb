require_relative "boot"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
require "action_view/railtie"

module Orders
  class Application < Rails::Application
    config.load_defaults 6.1
    config.eager_load = true
    config.logger = ActiveSupport::Logger.new($stdout)
    config.log_level = :warn
    config.hosts.clear
  end
end
