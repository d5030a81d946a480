"""The library below the flows: vocabulary, pure rules and adapters. It knows neither Prefect nor any study."""
