import { z } from 'zod'
import { addressesAt } from '../../../certificates/addresses.ts'
import { activeAuthority } from '../../../certificates/authority.ts'
import { CaError } from '../../../errors.ts'
import { apacheConfiguration } from '../../check/configurations/apache.ts'
import { caddyConfiguration } from '../../check/configurations/caddy.ts'
import { envoyConfiguration } from '../../check/configurations/envoy.ts'
import { freeradiusConfiguration } from '../../check/configurations/freeradius.ts'
import { haproxyConfiguration } from '../../check/configurations/haproxy.ts'
import { nginxCheckConfiguration } from '../../check/configurations/nginx-check.ts'
import { nginxConfiguration } from '../../check/configurations/nginx.ts'
import { stunnelConfiguration } from '../../check/configurations/stunnel.ts'
import { traefikConfiguration } from '../../check/configurations/traefik.ts'
import { agentPlaces, checkFiles, type ConfigurationValues } from '../../check/configurations/values.ts'
import { nothing } from '../fields.ts'
import { operation } from '../operation.ts'

/** How a front end knows who is refused: an agent beside it tells it, or it asks Latchkey about every request, or its OCSP responder about every handshake. */
export const configurationWays = ['agent', 'check', 'ocsp'] as const
type Way = typeof configurationWays[number]

/** @property certificate, certificateKey, listen  unless somebody says otherwise */
type Printed = { readonly ways: Partial<Record<Way, (values: ConfigurationValues) => string>> } & Pick<ConfigurationValues, 'certificate' | 'certificateKey' | 'listen'>

/** The first way of each is the one that is printed unless another is asked for. */
const configurations = {
  haproxy: { ways: { agent: haproxyConfiguration }, listen: ':443', certificate: '/etc/haproxy/server.pem', certificateKey: '' },
  nginx: { ways: { agent: nginxConfiguration, check: nginxCheckConfiguration }, listen: '443', certificate: '/etc/nginx/server.pem', certificateKey: '/etc/nginx/server-key.pem' },
  apache: { ways: { agent: apacheConfiguration }, listen: '443', certificate: '/etc/apache2/server.pem', certificateKey: '/etc/apache2/server-key.pem' },
  caddy: { ways: { check: caddyConfiguration }, listen: ':443', certificate: '/etc/caddy/server.pem', certificateKey: '/etc/caddy/server-key.pem' },
  stunnel: { ways: { agent: stunnelConfiguration }, listen: '443', certificate: '/etc/stunnel/server.pem', certificateKey: '/etc/stunnel/server-key.pem' },
  freeradius: { ways: { ocsp: freeradiusConfiguration }, listen: '1812', certificate: '/etc/freeradius/3.0/certs/server.pem', certificateKey: '/etc/freeradius/3.0/certs/server-key.pem' },
  envoy: { ways: { check: envoyConfiguration }, listen: ':443', certificate: '/etc/envoy/server.pem', certificateKey: '/etc/envoy/server-key.pem' },
  traefik: { ways: { check: traefikConfiguration }, listen: ':443', certificate: '/etc/traefik/server.pem', certificateKey: '/etc/traefik/server-key.pem' },
} satisfies Record<string, Printed>

export const configurationKinds = Object.keys(configurations) as [keyof typeof configurations]

// They stand in another program's configuration as they are: nothing there may end a word or begin a comment.
const word = z.string().regex(/^[\w./:@%+\-[\]]{1,200}$/, 'must be a path or an address')
const origin = z.string().regex(/^https?:\/\/(?:[\w.-]{1,200}|\[[0-9a-fA-F:]{2,45}\])(?::\d{1,5})?\/?$/, 'must be like https://host or http://host:port')

export const frontEndConfiguration = operation({
  id: 'frontEndConfiguration', method: 'get', path: '/front-end-configurations/{kind}', role: 'auditor',
  summary: 'A complete, commented configuration for a front end of this kind.',
  input: nothing.extend({
    kind: z.enum(configurationKinds),
    /** Its first way unless given. */
    by: z.enum(configurationWays).optional(),
    frontEnd: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).default('edge'), listen: word.optional(), certificate: word.optional(), certificateKey: word.optional(),
    files: word.optional(), run: word.default(agentPlaces.run), backend: word.default('127.0.0.1:8000'),
    /** Where it asks: this service's own address unless given. */
    latchkey: origin.optional(),
    streamLimitSeconds: z.coerce.number().int().min(10).max(86_400).default(900),
  }),
  output: z.strictObject({ kind: z.string(), by: z.string(), configuration: z.string() }),
  async run(service, _actor, { kind, by, listen, certificate, certificateKey, files, latchkey, ...values }) {
    const printed: Printed = configurations[kind]
    const way = by ?? Object.keys(printed.ways)[0] as Way
    const print = printed.ways[way]
    if (print === undefined) throw new CaError('invalid-argument', `${kind} is configured by ${Object.keys(printed.ways).join(' or ')}`)
    // Certificates name the plain-http address, and those that ask by OCSP know no other.
    const place = new URL(latchkey ?? (way === 'ocsp' ? service.config.pkiUrl : service.config.url)).origin
    if (way === 'ocsp' && !place.startsWith('http:')) throw new CaError('invalid-argument', `${kind} asks by plain http`)
    const configuration = print({
      ...values, listen: listen ?? printed.listen, certificate: certificate ?? printed.certificate, certificateKey: certificateKey ?? printed.certificateKey,
      files: files ?? (way === 'agent' ? agentPlaces.files : checkFiles), latchkey: place, ocsp: addressesAt(place).ocsp(activeAuthority(service.authorities(), 'issuing').name),
    })
    return { kind, by: way, configuration }
  },
})
