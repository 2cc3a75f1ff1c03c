import { rendered, type Format } from './format.ts'

/**
 * The hosts of the GitHub CLI. Before 2.40 it reads the token of the host, later ones that of the user, and
 * a host that has only the latter sends an empty token in older ones: both are there. Texts are quoted as
 * JSON does, which YAML reads alike.
 */
export const ghHosts: Format = {
  key: 'hosts.yml',
  readerMarginSeconds: 0,
  parameters: { host: 'required', username: 'required' },
  hostWithoutPort: true,
  render: ({ text, output: { host, username } }) => {
    const [user, token] = [JSON.stringify(username), JSON.stringify(text)]
    return rendered(
      `${JSON.stringify(host)}:\n    user: ${user}\n    oauth_token: ${token}\n    git_protocol: https\n` +
        `    users:\n        ${user}:\n            oauth_token: ${token}\n`,
    )
  },
}
