Rails.application.routes.draw do
  get "/health", to: "shop#health"
  get "/version", to: "shop#version"
  get "/selftest", to: "shop#selftest"
  post "/order", to: "shop#order"
  post "/ship", to: "shop#ship"
  post "/cancel", to: "shop#cancel"
end
