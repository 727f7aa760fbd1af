import { z } from 'zod'
import { apacheConfiguration } from '../../check/configurations/apache.ts'
import { haproxyConfiguration } from '../../check/configurations/haproxy.ts'
import { nginxConfiguration } from '../../check/configurations/nginx.ts'
import { agentPlaces, type ConfigurationValues } from '../../check/configurations/values.ts'
import { nothing } from '../fields.ts'
import { operation } from '../operation.ts'

const configurations = { haproxy: haproxyConfiguration, nginx: nginxConfiguration, apache: apacheConfiguration } satisfies Record<string, (values: ConfigurationValues) => string>

export const configurationKinds = Object.keys(configurations) as [keyof typeof configurations]

// They stand in another program's configuration as they are: nothing there may end a word or begin a comment.
const word = z.string().regex(/^[\w./:@%+\-[\]]{1,200}$/, 'must be a path or an address')
const folders = { haproxy: '/etc/haproxy', nginx: '/etc/nginx', apache: '/etc/apache2' } satisfies Record<keyof typeof configurations, string>

export const frontEndConfiguration = operation({
  id: 'frontEndConfiguration', method: 'get', path: '/front-end-configurations/{kind}', role: 'auditor',
  summary: 'A complete, commented configuration for a front end of this kind with its agent.',
  input: nothing.extend({
    kind: z.enum(configurationKinds), frontEnd: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).default('edge'), listen: word.optional(), certificate: word.optional(), certificateKey: word.optional(),
    files: word.default(agentPlaces.files), run: word.default(agentPlaces.run), backend: word.default('127.0.0.1:8000'),
    streamLimitSeconds: z.coerce.number().int().min(10).max(86_400).default(900),
  }),
  output: z.strictObject({ kind: z.string(), configuration: z.string() }),
  async run(_service, _actor, { kind, listen, certificate, certificateKey, ...values }) {
    return {
      kind, configuration: configurations[kind]({
        ...values, listen: listen ?? (kind === 'haproxy' ? ':443' : '443'), certificate: certificate ?? `${folders[kind]}/server.pem`, certificateKey: certificateKey ?? `${folders[kind]}/server-key.pem`,
      }),
    }
  },
})
