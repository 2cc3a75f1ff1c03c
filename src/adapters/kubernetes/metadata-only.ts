/** `Accept` for answers without data: what was written need not come back, least of all a token. */
export const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
