-- Health of a provider or a store for Argo CD. It has no status, because what is wrong with it depends on who uses it.
return {
  status = "Healthy",
  message = "It is there. What is wrong with it, if anything, is told by the OAuthCredentials that refer to it.",
}
