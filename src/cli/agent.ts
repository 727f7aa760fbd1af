import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import { CaError } from '../errors.ts'
import { agentPlaces } from '../protocols/check/configurations/values.ts'
import { group, leaf, type Context, type World } from './command.ts'
import { readCertificateFile, readPassphraseFile } from './files.ts'
import { fields, printable } from './output.ts'

export function agentCommands(root: Command, world: World): void {
  const agent = group(root, 'agent', 'the program beside a front end that keeps it from letting revoked phones in')
  leaf(agent, world, 'enroll', 'get an identity of its own, by the secret of a front end', enroll, command => command
    .requiredOption('--url <url>', 'where Latchkey is').requiredOption('--front-end <name>', 'its name in Latchkey')
    .requiredOption('--secret-file <file>', 'with the secret that `front-end add` printed (- for standard input)')
    .option('--root-fingerprint <sha256>', 'of the root certificate, as `authority show` prints it').option('--folder <folder>', 'what the agent keeps', agentPlaces.folder)
    .option('--files <folder>', 'what the front end reads', agentPlaces.files).option('--run <folder>', 'where the two meet while they run', agentPlaces.run)
    .option('--probe <host:port>', 'where the front end answers phones, to try it out', '127.0.0.1:443')
    .option('--reload <command...>', 'what makes the front end read its files again').option('--plain-http', 'send the secret over plain http')
    .option('--agent-ca <file>', 'the CA of agents, as `authority show` knows it (/ca/agents.cer): --url is then the door for agents, and known by it'))
  leaf(agent, world, 'run', 'follow the service, and keep the front end', run, command => command
    .option('--folder <folder>', 'what enroll wrote', agentPlaces.folder).option('--signed', 'sign requests, although the service has a door for agents'))
}

type EnrollOptions = { url: string, frontEnd: string, secretFile: string, rootFingerprint?: string, folder: string, files: string, run: string, probe: string, reload?: string[], plainHttp?: boolean, agentCa?: string }

async function enroll({ world, print }: Context, options: EnrollOptions): Promise<void> {
  const { enrollAgent } = await import('../agent/enroll.ts')
  const { AgentFolder } = await import('../agent/settings.ts')
  const { firstSettings } = await import('../agent/targets/of-kind.ts')
  const { url, frontEnd, folder, files, reload } = options
  const fingerprint = options.rootFingerprint
  if (fingerprint !== undefined && !/^[0-9a-fA-F]{64}$/.test(fingerprint.replaceAll(':', ''))) throw new CaError('invalid-argument', 'a fingerprint has 64 hexadecimal digits')
  const enrolled = await enrollAgent({
    url, frontEnd, secret: readPassphraseFile(options.secretFile), folder: new AgentFolder(folder), plainHttp: options.plainHttp === true, now: world.now,
    ...fingerprint !== undefined && { rootFingerprint: fingerprint }, ...options.agentCa !== undefined && { agentCa: readCertificateFile(options.agentCa) }, target: kind => firstSettings(kind, { files, run: options.run, probe: options.probe, ...reload !== undefined && { reload } }),
  })
  print({ frontEnd, kind: enrolled.kind, folder, rootFingerprint: enrolled.rootFingerprint, notAfter: enrolled.certificate.notAfter.toISOString(), door: enrolled.door, doorProblem: enrolled.doorProblem }, said => fields([
    ['front end', said.frontEnd], ['kind', said.kind], ['root', `${said.rootFingerprint}${fingerprint === undefined ? ' (compare it with `latchkey authority show`)' : ''}`], ['kept in', said.folder], ['certificate until', said.notAfter],
    ['known by', said.door === null ? 'requests that it signs' : `mutual TLS at ${said.door}`], ...said.doorProblem === null ? [] : [['door', said.doorProblem] as const],
  ]))
}

async function run({ world, json }: Context, { folder: path, signed = false }: { folder: string, signed?: boolean }): Promise<void> {
  // Nearly all that it makes lives for a moment, a million entries of lists at a start: the heap is not to grow for that.
  setFlagsFromString('--optimize-for-size')
  const { startAgent } = await import('../agent/run.ts')
  const { AgentFolder } = await import('../agent/settings.ts')
  const { targetOfKind } = await import('../agent/targets/of-kind.ts')
  const folder = new AgentFolder(path)
  const settings = folder.readTarget()
  const target = targetOfKind(folder.readSettings().kind, settings, world.now)
  const probe = typeof settings['probe'] === 'string' ? settings['probe'] : undefined
  const log = (event: string, detail: string): void => {
    const at = world.now().toISOString()
    world.stdout.write(json ? `${JSON.stringify({ at, event, detail })}\n` : `${at} ${event} ${printable(detail)}\n`)
  }
  const running = startAgent({ folder, target, now: world.now, monotonicMs: () => performance.now(), log, probe, signed })
  log('agent-started', folder.path)
  await new Promise<void>(resolve => { for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { resolve() }) })
  await running.stop()
}
