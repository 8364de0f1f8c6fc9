"""The page: the one place that knows Gradio. It asks the network for nothing."""

import os

# Read by gradio and huggingface_hub when they are imported, which only this package's modules do.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
