/**
 * What line-based readers (sh, Node, dotenv, kubectl, docker, npm) all take bare and alike. There is no
 * quoting that they agree on: kubectl and docker keep the quotes, npm replaces `${NAME}` inside of them too.
 */
const bareText = /^[A-Za-z0-9._~+/=:@%,-]+$/

/** True when no quoting is needed, and none would help. */
export function isBareText(text: string): boolean {
  return bareText.test(text)
}
