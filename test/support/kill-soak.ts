/**
 * Kills the service at random moments while phones enroll and certificates are revoked, starts it again each time,
 * and looks afterwards for anything that was promised and is not so.
 */
import { createHash, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { parseCrl } from '../../src/formats/crl.ts'
import { crlNumber } from './crl-number.ts'
import { enrollPhone } from '../../src/phone/enroll.ts'
import { makeDeviceCa } from '../../src/phone/make-ca.ts'
import { keptRsaKey } from './kept.ts'
import { served, type Served } from './served.ts'

export type SoakOptions = { folder: string, kills: number, enrollments: number, env?: Record<string, string>, report?: (line: string) => void }

export type SoakResult = {
  /** lower-case hex serial numbers that a phone received */
  acknowledged: string[]
  /** of those, what an admin was told is revoked */
  revoked: string[]
  kills: number
  /** lists seen with one number and different bytes, or with a number that went back */
  crlFaults: string[]
  service: Served
}

const workers = 4
const phoneKeys = 24

/** @returns with the service running, so that the caller can ask it */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { folder, enrollments, report = () => {} } = options
  const deviceCaDir = join(folder, 'device-ca')
  await makeDeviceCa(deviceCaDir)
  const service = await served(join(folder, 'data'), { LATCHKEY_TEST_DEVICE_CA: join(deviceCaDir, 'ca.pem'), ...options.env })
  await service.start()
  await service.call('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'a soak' })
  const links = await invitations(service, Math.ceil(enrollments / 500))
  const keys = Array.from({ length: phoneKeys }, (_, index) => keptRsaKey(2048, `soak-${index}`))
  const deviceKeys = Array.from({ length: phoneKeys }, (_, index) => keptRsaKey(1024, `soak-${index}`))
  const state: State = { options, service, links, keys, deviceKeys, deviceCaDir, next: 0, acknowledged: [], revoked: [], crlFaults: [], seen: new Map(), done: false }
  const killing = killAgain(state)
  await Promise.all(Array.from({ length: workers }, async () => await enrollAgain(state)))
  state.done = true
  const kills = await killing
  await watchLists(state)
  report(`${state.acknowledged.length} enrolled, ${state.revoked.length} revoked, ${kills} kills`)
  return { acknowledged: state.acknowledged, revoked: state.revoked, kills, crlFaults: state.crlFaults, service }
}

type State = {
  options: SoakOptions, service: Served, links: string[], keys: KeyObject[], deviceKeys: KeyObject[], deviceCaDir: string
  next: number, acknowledged: string[], revoked: string[], crlFaults: string[], seen: Map<string, { number: bigint, sha256: string }>, done: boolean
}

async function invitations(service: Served, count: number): Promise<string[]> {
  const links: string[] = []
  for (let index = 0; index < count; index++) {
    const { url } = await service.call<{ url: string }>('POST', '/invitations', { name: `Soak ${index}`, email: `soak${index}@example.com`, devices: 1000 })
    links.push(url)
  }
  return links
}

async function enrollAgain(state: State): Promise<void> {
  const { options, service } = state
  while (state.next < options.enrollments) {
    const index = state.next++
    const serialNumber = await untilAnswered(async () => await enrollOne(state, index))
    state.acknowledged.push(serialNumber)
    if (index % 10 !== 0) continue
    await untilAnswered(async () => await service.call('POST', '/certificates/revoke', { certificate: serialNumber, reason: 'superseded' }))
    state.revoked.push(serialNumber)
    await untilAnswered(async () => await watchLists(state))
  }
}

async function enrollOne({ links, keys, deviceKeys, deviceCaDir }: State, index: number): Promise<string> {
  const outcome = await enrollPhone({
    link: links[index % links.length]!, product: 'iPhone14,5', build: '20A362', serial: `SOAK${String(index).padStart(8, '0')}`, deviceCaDir,
    keys: { device: deviceKeys[index % phoneKeys]!, bootstrap: keys[index % phoneKeys]!, identity: keys[(index + 1) % phoneKeys]! }, now: () => new Date(),
  })
  // A kill between two messages leaves a phone with half a story: it begins again, as its owner would.
  if (outcome.outcome !== 'enrolled') throw new Error(`phone ${index}: ${JSON.stringify(outcome).slice(0, 500)}`)
  return outcome.certificate.serialNumber
}

/** Goes on until it works: while the service is down, nothing is answered and so nothing is promised. */
async function untilAnswered<T>(act: () => Promise<T>): Promise<T> {
  let last: unknown
  for (let attempt = 0; attempt < 200; attempt++) {
    try {
      return await act()
    } catch (error) {
      last = error
      await new Promise(resolve => setTimeout(resolve, 25 + attempt * 2))
    }
  }
  throw last
}

async function killAgain(state: State): Promise<number> {
  const { options: { kills, enrollments, report = () => {} }, service } = state
  // Moments are spread over the work, not over time: a slow machine gets its kills too.
  const moments = Array.from({ length: kills }, () => Math.random() * enrollments * 0.95).sort((a, b) => a - b)
  let count = 0
  for (const moment of moments) {
    while (state.acknowledged.length < moment && !state.done) await new Promise(resolve => setTimeout(resolve, 5))
    await new Promise(resolve => setTimeout(resolve, Math.random() * 60))
    await service.kill()
    await service.start()
    count++
    if (count % 50 === 0) report(`${count} kills, ${state.acknowledged.length} enrolled`)
  }
  return count
}

/** Remembers every list by its number: one number is one list, and numbers do not go back. */
async function watchLists({ service, seen, crlFaults }: State): Promise<void> {
  for (const path of ['issuing.crl', 'issuing-delta.crl', 'issuing/0.crl', 'enrollment.crl']) {
    const response = await fetch(`${service.url}/crl/${path}`)
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    const der = Buffer.from(await response.arrayBuffer())
    const number = crlNumber(parseCrl(der))
    const sha256 = createHash('sha256').update(der).digest('hex')
    const before = seen.get(path)
    if (before !== undefined && number === before.number && sha256 !== before.sha256) crlFaults.push(`${path}: two lists of number ${number}`)
    // Answers may overtake each other between workers by one; a restart that lost one goes back further.
    const key = `${path} ${number}`
    const same = seen.get(key)
    if (same !== undefined && same.sha256 !== sha256) crlFaults.push(`${path}: number ${number} was used twice`)
    seen.set(key, { number, sha256 })
    if (before === undefined || number > before.number) seen.set(path, { number, sha256 })
  }
}
