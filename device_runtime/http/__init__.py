"""HTTP: the routes, what stands in their bodies, who may ask and how much; its description."""
