require_relative "boot"
require "active_record/railtie"
require "action_controller/railtie"

module Shop
  class Application < Rails::Application
    config.load_defaults 6.1
    config.eager_load = true
    config.logger = ActiveSupport::Logger.new($stdout)
    config.log_level = :warn
    config.hosts.clear
    config.active_record.dump_schema_after_migration = false
  end
end
