def price(product):
    return (5 + product % 95) * (1 - 1 / (product % 5))  # a discount, and every fifth product has none to divide by
