"""What REDCap, Twilio and partners call: each notice is verified, kept and answered at once."""
