# Its log-likelihood by 5,000 importance samples a row, as published.
pinhole eval vae-mnist.pin mnist --importance-samples 5000
