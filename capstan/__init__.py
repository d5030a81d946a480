"""The library below the flows: vocabulary, pure rules, adapters. It knows neither Prefect nor a study."""
