/**
 * The service's door for agents: mutual TLS, to a server that is known by the CA of agents alone. Once the door has been
 * used, nothing else is: who can keep an agent away from it must not get it to ask where a proxy could answer. Only what
 * comes through the door changes that, or somebody on this machine (`agent run --signed`).
 */
import { CaError } from '../errors.ts'
import { readBasicConstraints } from '../formats/extension-readers.ts'
import { fromPem, toPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { objectOf, textOf } from './json.ts'
import { messageOf, type Problems } from './problems.ts'
import { Requests, serviceUrl, type Door, type Identity } from './requests.ts'
import type { AgentFolder } from './settings.ts'

/** What the service says of its door; `url` null where it tells of none. */
export type ToldDoor = { readonly url: string | null, readonly authorities: string }

const maxAuthorities = 8

/** @returns undefined from a service that knows of no doors. @throws {CaError} malformed-request, invalid-argument */
export function readDoor(value: unknown): ToldDoor | undefined {
  if (value === undefined) return undefined
  const door = objectOf(value, 'door')
  const url = door['url'] === null ? null : textOf(door, 'url')
  if (url !== null) assertHttps(url)
  const { authorities } = door
  if (!Array.isArray(authorities) || authorities.length === 0 || authorities.length > maxAuthorities) throw new CaError('malformed-request', 'a door has some CAs that its certificate may be of')
  return { url, authorities: authorities.map(pem => caOf(typeof pem === 'string' ? pem : '')).join('') }
}

/** @throws {CaError} invalid-argument */
export function assertHttps(url: string): void {
  if (serviceUrl(url).protocol !== 'https:') throw new CaError('invalid-argument', 'the door for agents has an address that begins with https:')
}

/** One CA certificate and nothing else, written anew. @throws {CaError} malformed-request */
export function caOf(pem: string): string {
  const [der, ...more] = fromPem(pem, 'CERTIFICATE')
  if (der === undefined || more.length > 0 || readBasicConstraints(parseCertificate(der))?.ca !== true) throw new CaError('malformed-request', 'that is not one certificate of a CA')
  return toPem('CERTIFICATE', der)
}

export type DoorKeeperDeps = {
  readonly folder: AgentFolder
  readonly requests: Requests
  readonly problems: Problems
  readonly now: () => Date
  readonly log: (event: string, detail: string) => void
  readonly signal?: AbortSignal
}

/** Listens to what the service says of its door, and moves to it when it answers. */
export class DoorKeeper {
  readonly #deps: DoorKeeperDeps
  #told: ToldDoor | undefined
  #heeding: Promise<void> | undefined

  constructor(deps: DoorKeeperDeps) {
    this.#deps = deps
  }

  /**
   * What is told while it moves is left out: it asks again by its new way.
   *
   * @param via  the door by which it was told. By another way than the one in use now it does not count
   * @returns whether something is to be told of it. @throws never: what fails is a problem, and tried again by `again`
   */
  async heed(told: ToldDoor | undefined, via: Door | undefined): Promise<boolean> {
    const before = this.#state
    if (this.#heeding === undefined && via === this.#deps.requests.door) {
      this.#told = told
      this.#heeding = this.#heed().catch((error: unknown) => { this.#deps.problems.set('door', messageOf(error)) }).finally(() => { this.#heeding = undefined })
    }
    await this.#heeding
    return this.#state !== before
  }

  get #state(): string {
    const { requests, problems } = this.#deps
    return `${requests.door?.url} ${problems.all.some(({ code }) => code === 'door')}`
  }

  /** Tries once more what failed. */
  async again(): Promise<void> {
    if (this.#deps.problems.all.some(({ code }) => code === 'door')) await this.heed(this.#told, this.#deps.requests.door)
  }

  async #heed(): Promise<void> {
    const { folder, requests: { door }, problems } = this.#deps
    const told = this.#told
    if (told === undefined) return
    const { atDoor } = folder.readSettings()
    if (door !== undefined && (atDoor || told.url === door.url)) {
      if (told.authorities !== door.authorities) this.#enter({ ...door, authorities: told.authorities })
      problems.clear('door')
    } else if (told.url === null) {
      if (door !== undefined) this.#leave()
      problems.clear('door')
    } else await this.#move({ url: told.url, authorities: told.authorities }, door)
  }

  async #move(to: Door, from: Door | undefined): Promise<void> {
    const { folder, problems, log, now, signal } = this.#deps
    try {
      await knock(to, folder.readIdentity(), folder.readSettings().frontEnd, now, signal)
    } catch (error) {
      if (from !== undefined) this.#enter({ url: from.url, authorities: to.authorities })
      return problems.set('door', `${messageOf(error)}; ${from === undefined ? 'requests are signed instead' : `it goes on by ${from.url}`}`)
    }
    this.#enter(to)
    problems.clear('door')
    log('door', `by mutual TLS at ${to.url} from now on`)
  }

  /** On the disk first: after a restart nothing else is asked. */
  #enter(door: Door): void {
    this.#deps.folder.writeDoor(door)
    this.#deps.requests.enter(door)
  }

  #leave(): void {
    this.#deps.folder.writeDoor(undefined)
    this.#deps.requests.enter(undefined)
    this.#deps.log('door', 'the service tells of no door any more: requests are signed from now on')
  }
}

/** @throws {CaError} server-unreachable, unauthorized */
async function knock(door: Door, identity: Identity, frontEnd: string, now: () => Date, signal?: AbortSignal): Promise<void> {
  const answer = await new Requests(door.url, identity, now, door).send({ path: `/agents/${frontEnd}/trust`, ...signal !== undefined && { signal } })
  if (answer.status !== 200) throw new CaError('server-unreachable', `${door.url} answers ${answer.status}`)
}
