"""What the server and the client share: headers, bodies, cookies, forms, compression."""
