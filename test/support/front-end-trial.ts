/** A service with its doors open, and a front end that `front-end doctor` tries out. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startAgent } from '../../src/agent/run.ts'
import { AgentFolder } from '../../src/agent/settings.ts'
import { targetOfKind } from '../../src/agent/targets/of-kind.ts'
import { enforcement } from '../../src/http/enforcement.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import type { FrontEndKind } from '../../src/protocols/check/kinds.ts'
import { openCli, runCommand, type Cli, type Outcome } from './cli.ts'
import { openDoors } from './console.ts'
import { issueDevice, revokeNow, type Issued } from './issued.ts'
import { until } from './running-agent.ts'
import { testService, type TestService } from './service.ts'
import { temporaryFolder } from './temporary.ts'

const now = (): Date => new Date()
const admin = { name: 'ada', source: 'test', role: 'admin' } as never

export type Clinic = {
  readonly service: TestService
  readonly cli: Cli
  readonly url: string
  readonly secret: string
  /** Folder with phone.pem and phone-key.pem. */
  readonly folder: string
  readonly phone: Issued
  /** Runs `front-end doctor` against 127.0.0.1, patiently. */
  examine(port: number, ...options: string[]): Promise<Outcome>
}

/** By the real clock, which front ends have as well. */
export async function openClinic(t: ExecutionContext<any>, kind: FrontEndKind): Promise<Clinic> {
  const service: TestService = await testService(t, { clock: { now, advance: () => {}, set: () => {} }, revocationChanged: () => { service.publish().catch(() => {}) } })
  await service.publish()
  const [url, cli, folder] = [await openDoors(t, service), await openCli(t, service), await temporaryFolder(t)]
  const { secret } = await frontEndAdd.run(service, admin, frontEndAdd.input.parse({ name: 'edge', kind }))
  const phone = await issueDevice(service)
  writeFileSync(join(folder, 'phone.pem'), phone.pem)
  writeFileSync(join(folder, 'phone-key.pem'), phone.privateKeyPem)
  return {
    service, cli, url, secret, folder, phone,
    examine: async (port, ...options) => await cli('front-end', 'doctor', `https://127.0.0.1:${port}/`, '--insecure', '--late', '100', '--json', ...options),
  }
}

/** What the agent of a front end keeps, and where it is tried. */
export type Kept = { readonly port: number, readonly files: string, readonly run: string, readonly reload: readonly string[] }

/** An agent that has enrolled and runs until the test ends; the files that its front end needs are there when this returns. */
export async function attendedBy(t: ExecutionContext<any>, { url, secret, folder }: Clinic, kind: FrontEndKind, { port, files, run, reload }: Kept): Promise<void> {
  writeFileSync(join(folder, 'secret'), `${secret}\n`)
  const agentFolder = new AgentFolder(join(folder, 'agent'))
  const enrolled = await runCommand({}, [
    'agent', 'enroll', '--url', url, '--front-end', 'edge', '--secret-file', join(folder, 'secret'), '--folder', agentFolder.path,
    '--files', files, '--run', run, '--probe', `127.0.0.1:${port}`, '--reload', ...reload,
  ])
  t.is(enrolled.exitCode, 0, enrolled.err)
  const running = startAgent({ folder: agentFolder, target: targetOfKind(kind, agentFolder.readTarget(), now), now, monotonicMs: () => performance.now(), probe: undefined, log: () => {} })
  t.teardown(() => running.stop())
  await until(() => { try { return readFileSync(join(files, 'lists.pem')).length > 0 } catch { return false } })
}

/** Until the service has heard that the agent keeps its front end: of a change the agent tells at once. */
export async function inForce({ service }: Pick<Clinic, 'service'>): Promise<void> {
  await until(async () => {
    await revokeNow(service, await issueDevice(service))
    return (await enforcement(service)).enforced.some(({ standing }) => standing === 'in-force')
  })
}

type Told = { code: string, severity: string, sentence: string, mend: string }

/** What was found, each code once with its severity, in the order of the alphabet; without what an agent says whose front end was just changed. */
export const foundIn = ({ json }: Outcome): string[] =>
  [...new Set((json.findings as Told[]).map(({ code, severity }) => `${code} ${severity}`))].filter(each => !each.startsWith('agent-')).sort()
export const verdictOf = ({ json }: Outcome, probe: string): string | undefined => (json.probes as { probe: string, verdict: string }[]).find(each => each.probe === probe)?.verdict
