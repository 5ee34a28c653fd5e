Rails.application.routes.draw do
  root "orders#index"
  post "/orders", to: "orders#create"
  get "/version", to: "orders#version"
  get "/up", to: "orders#up"
end
