/** `Accept` for answers without data: what was written need not come back, least of all a token. */
export const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'

/** The same for a list, and for a watch. A server that does not know them refuses, and sends no data. */
export const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
export const metadataEvents = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
