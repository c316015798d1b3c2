"""The validation core: sources in bounded chunks, one pass, states that merge, one judgement."""
