"""One gated write from judgement to certified view, and the quarantine beside it."""
