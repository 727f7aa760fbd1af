import type { Command } from 'commander'
import { isIP } from 'node:net'
import type { Door, ExamineOptions, Report } from '../doctor/examine.ts'
import type { Begun, Ca } from '../doctor/trial.ts'
import { CaError } from '../errors.ts'
import { fromPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { frontEndProbeBegin, frontEndProbeEnd, frontEndProbeList, frontEndProbeRevoke } from '../protocols/api/operations/front-end-probes.ts'
import { frontEndList } from '../protocols/api/operations/front-ends.ts'
import { identityHeaders as printedHeaders } from '../protocols/check/configurations/values.ts'
import { identityHeaders as ignoredHeaders } from '../protocols/check/conventions.ts'
import { leaf, line, wholeNumber, type Context, type World } from './command.ts'
import { readText } from './files.ts'
import { exitCodes, table } from './output.ts'

export function doctorCommands(frontEnd: Command, world: World): void {
  leaf(frontEnd, world, 'doctor <url>', 'try a front end out from outside, as clients would; each finding with its mend. Ends with 1 when there are any', doctor, command => command
    .option('--front-end <name>', 'its name in Latchkey, where there are several').option('--connect <host:port>', 'ask there, and not where the name leads to')
    .option('--server-ca <file>', "PEM of the CA of the server's own certificate, where this machine does not trust it").option('--insecure', "the server's own certificate does not matter")
    .option('--certificate <file>', "a phone's certificate, to ask what stands behind the front end").option('--key <file>', 'and its key')
    .option('--echo <path>', 'a path behind which something answers with the headers that it got (`front-end echo`)')
    .option('--foreign-certificate <file>', 'a certificate of another CA under the same root, with its chain').option('--foreign-key <file>', 'and its key')
    .option('--bundle <file>', 'the revocation lists that the front end loads, when this runs on its machine')
    .option('--patience <seconds>', 'how long to wait until a revoked certificate is refused', wholeNumber, 10)
    .option('--late <seconds>', 'how long that may take', wholeNumber, 5))
  leaf(frontEnd, world, 'echo', 'stand behind a front end for `front-end doctor`, and answer with the headers that arrive', echo, command => command
    .option('--listen <host:port>', 'where', '127.0.0.1:8099'))
}

type DoctorOptions = {
  frontEnd?: string, connect?: string, serverCa?: string, insecure?: boolean, certificate?: string, key?: string, echo?: string
  foreignCertificate?: string, foreignKey?: string, bundle?: string, patience: number, late: number
}

async function doctor({ client, world, print }: Context, options: DoctorOptions, address: string): Promise<void> {
  const { examine } = await import('../doctor/examine.ts')
  const { frontEnd, connect, serverCa, bundle, patience, late } = options
  const place = placeOf(address, connect)
  const report = await examine({
    place, door: doorOf(client, await nameOf(client, frontEnd)), serverCa: serverCa === undefined ? undefined : readText(serverCa), insecure: options.insecure === true,
    own: pair(options.certificate, options.key, '--certificate', '--key'), foreign: pair(options.foreignCertificate, options.foreignKey, '--foreign-certificate', '--foreign-key'),
    echoPath: options.echo, identityHeaders: identityHeaders(), bundle: bundle === undefined ? undefined : readText(bundle), answerMs: 10_000, lateMs: late * 1000, patienceMs: patience * 1000, now: world.now(),
  })
  print(report, inWords)
  if (report.findings.length > 0) world.exitCode = exitCodes.failed
}

const marks = { fine: 'fine', finding: 'FINDING', 'not-tried': 'not tried' } as const

const inWords = ({ probes, findings }: Report): string => [
  table(['tried', 'verdict', 'seen'], probes.map(({ probe, verdict, detail }) => [probe, marks[verdict], detail])),
  ...findings.flatMap(({ code, severity, sentence, mend }) => ['\n', line(`${severity}: ${code}: ${sentence}`), line(`  mend: ${mend}`)]),
  '\n', line(findings.length === 0 ? 'nothing was found' : `${findings.length} found`),
].join('')

/** As the printed configurations delete them, and what `/check` ignores beside its own one. */
function identityHeaders(): string[] {
  const printed: readonly string[] = printedHeaders
  const known = new Set(printed.map(name => name.toLowerCase()))
  return [...printed, ...ignoredHeaders.filter(name => !known.has(name))]
}

/** @throws {CaError} invalid-argument */
function placeOf(address: string, connect: string | undefined): ExamineOptions['place'] {
  const url = URL.parse(address)
  if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '') {
    throw new CaError('invalid-argument', 'the address of a front end begins with https: and has no password in it')
  }
  const to = connect === undefined ? url : URL.parse(`https://${connect}`)
  if (to === null || connect !== undefined && to.pathname !== '/') throw new CaError('invalid-argument', '--connect is a host and a port')
  const bare = (name: string): string => name.replace(/^\[|\]$/g, '')
  return { host: bare(to.hostname), port: Number(to.port || 443), serverName: bare(url.hostname), path: `${url.pathname}${url.search}` }
}

/** Without a name there has to be one front end. */
async function nameOf(client: Context['client'], given: string | undefined): Promise<string> {
  if (given !== undefined) return given
  const names = (await client.call(frontEndList, {})).items.map(({ name }) => name)
  if (names.length === 1) return names[0]!
  throw new CaError('invalid-argument', names.length === 0 ? 'there is no front end yet: `latchkey front-end add` makes one' : `say which one it is, with --front-end: ${names.join(', ')}`)
}

function pair(certificate: string | undefined, key: string | undefined, first: string, second: string): { certificate: string, key: string } | undefined {
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined) throw new CaError('invalid-argument', `${first} and ${second} belong together`)
  return { certificate: readText(certificate), key: readText(key) }
}

function doorOf(client: Context['client'], name: string): Door {
  return {
    async begin(requests, own) {
      const inBase64 = Object.fromEntries(Object.entries(requests).map(([purpose, request]) => [purpose, request.toString('base64')])) as Record<keyof typeof requests, string>
      const { frontEnd, certificates, chain, trusted, untrusted, lists } = await client.call(frontEndProbeBegin, { name, requests: inBase64, own })
      return {
        ...frontEnd, chain, trusted: trusted.map(caOf), untrusted: untrusted.map(caOf),
        lists: lists.map(list => ({ ...list, thisUpdate: new Date(list.thisUpdate), nextUpdate: new Date(list.nextUpdate) })),
        certificates: Object.fromEntries(certificates.map(({ purpose, certificate }) => [purpose, certificate])) as Record<keyof typeof requests, string>,
      } satisfies Begun & { certificates: object, chain: string }
    },
    revoke: async serialNumber => { await client.call(frontEndProbeRevoke, { name, serialNumber }) },
    asked: async () => new Map((await client.call(frontEndProbeList, { name })).items.map(({ serialNumber, asked }) => [serialNumber, asked])),
    end: async () => { await client.call(frontEndProbeEnd, { name }) },
  }
}

const caOf = ({ name, role, certificate }: { name: string, role: string, certificate: string }): Ca => ({ name, role, certificate: parseCertificate(fromPem(certificate, 'CERTIFICATE')[0]!) })

async function echo({ world }: Context, { listen }: { listen: string }): Promise<void> {
  const { startEcho } = await import('../doctor/echo.ts')
  const to = URL.parse(`http://${listen}`)
  const host = to?.hostname.replace(/^\[|\]$/g, '') ?? ''
  if (to === null || to.port === '' || isIP(host) === 0) throw new CaError('invalid-argument', '--listen is an address and a port, like 127.0.0.1:8099')
  const server = await startEcho(host, Number(to.port))
  world.stdout.write(line(`answers at ${listen} with the headers of each request; end it when the trial is over`))
  await new Promise<void>(resolve => { for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { resolve() }) })
  server.close()
  server.closeAllConnections()
}
