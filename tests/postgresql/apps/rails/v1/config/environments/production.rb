Rails.application.configure { config.consider_all_requests_local = false }
