/**
 * The agent: hears the feed, holds the refused set, and has the front end brought to it. It decides nothing about
 * phones. Whatever it does not understand, cannot verify or cannot reach makes it refuse more, or let in for less long.
 */
import type { AgentDeps } from './agent-deps.ts'
import { Enforcer } from './enforcer.ts'
import type { FeedEvent, Heartbeat } from './feed-events.ts'
import { ageMs, decideFreshness, momentOnDisk, type Freshness, type Moment } from './freshness.ts'
import { Lists } from './lists.ts'
import { messageOf } from './problems.ts'
import { RefusedSet, type Addition } from './refused-set.ts'
import { listKey, partitionsOf, type Policy, type Trust } from './trust.ts'
import type { ListMark, VerifiedList } from './verify-list.ts'

// By how much the service may contradict its own clock.
const clockMs = 60_000
// A heartbeat is heard at once. One that took longer says what was: after a cut it may come ahead of what happened meanwhile.
const underwayMs = 1_000

export class Agent {
  readonly #deps: AgentDeps
  readonly #set: RefusedSet
  readonly #lists: Lists
  readonly #enforcer: Enforcer
  #trust: Trust
  #policy: Policy
  #change: number
  #heard: Moment | undefined
  #catchingUp: Promise<void> | undefined
  #unsaved: Addition[] = []
  readonly #notSaved = new Set<string>()
  #behind = 0
  #clockIsOff = false

  /** Reads what an earlier process left. @throws when the state on disk cannot be read */
  constructor(deps: AgentDeps) {
    this.#deps = deps
    this.#trust = deps.trust
    this.#policy = deps.policy
    const saved = deps.folder.read()
    this.#change = saved.change
    this.#set = new RefusedSet(deps.trust.rootName, partitionsOf(deps.trust))
    this.#lists = this.#makeLists(saved.floors)
    this.#enforcer = this.#makeEnforcer()
    this.#enforcer.mark(saved.change)
    for (const list of this.#lists.onDisk()) this.#set.put(list)
    for (const addition of saved.additions) this.#set.add(addition)
    if (saved.heardAt !== undefined) this.#heard = momentOnDisk(saved.heardAt, deps.clock())
    this.#readyIfWhole()
  }

  #makeLists(floors: ReadonlyMap<string, ListMark>): Lists {
    const { folder, fetchList, problems } = this.#deps
    return new Lists({
      folder, fetchList, trust: () => this.#trust, serviceNow: () => this.#serviceNow(),
      take: (list, der) => { this.#take(list, der) },
      refused: (name, detail) => { problems.set('list-refused', `${listKey(name)}: ${detail}`) },
      failed: (name, error) => { problems.set('list-missing', `${listKey(name)}: ${messageOf(error)}`) },
    }, floors)
  }

  #makeEnforcer(): Enforcer {
    const { target, problems, log, inForce } = this.#deps
    const wanted = { serialNumbers: () => this.#set.serialNumbers(), has: (serialNumber: string) => this.#set.has(serialNumber), allListed: () => this.#allListed(), bundle: () => this.#lists.bundle() }
    return new Enforcer(target, wanted, {
      done: change => { inForce?.(change) },
      failed: (step, error) => { problems.set(step === 'cut' || step === 'bundle' ? step : 'front-end-unreachable', `${step}: ${messageOf(error)}`) },
      answered: () => { problems.clear('front-end-unreachable') },
      restarted: () => { log('front-end-restarted', 'everything is loaded again') },
      bundled: detail => { problems.clear('bundle'); log('lists-in-place', detail) },
      cut: count => { problems.clear('cut'); log('cut', `${count} running requests of revoked certificates were ended`) },
    })
  }

  /** The newest change that everything up to is known of: what the feed is asked to go on from. */
  get change(): number {
    return this.#change
  }

  /** Whether the front end has everything, and may let phones in. */
  get isEnforcing(): boolean {
    return this.#enforcer.loaded && !this.freshness.stale
  }

  /** Whether everything that is known is in force there, by what the front end knows certificates. */
  get isUpToDate(): boolean {
    return this.#enforcer.isUpToDate
  }

  get refused(): RefusedSet {
    return this.#set
  }

  get freshness(): Freshness {
    const now = this.#deps.clock()
    if (this.#heard === undefined || this.#lists.missing.length > 0 || this.#revokedCa() !== undefined) return { until: new Date(0), stale: true }
    const soonest = Math.min(...this.#set.lists.map(list => list.nextUpdate.getTime()))
    return decideFreshness(this.#policy, ageMs(this.#heard, now), new Date(soonest - this.#deps.clockOffsetMs()), now.wall)
  }

  /** @returns when the front end has been told */
  async handle(event: FeedEvent): Promise<void> {
    switch (event.type) {
      case 'revoked': return await this.#revoked(event.addition)
      case 'list':
        this.#lists.hear([event.list])
        return await this.fetchLists()
      case 'heartbeat': return await this.#heartbeat(event.heartbeat)
      case 'trust': return await this.#renewTrust()
      case 'reset': return await this.catchUp()
    }
  }

  /** Called a few times a second: notices a restarted front end, and lets phones in for as long as the data counts. */
  async tick(): Promise<void> {
    const { problems } = this.#deps
    const { until, stale } = this.freshness
    if (stale) problems.set('stale', 'what is known is older than the policy allows')
    else problems.clear('stale')
    this.#watchClock()
    this.#enforcer.letInUntil(until)
    await this.#enforcer.turn()
  }

  /** It does the agent no harm; but a front end by a clock that is behind takes certificates and lists for not yet valid. */
  #watchClock(): void {
    const offsetMs = this.#deps.clockOffsetMs()
    const isOff = Math.abs(offsetMs) > clockMs
    if (isOff) this.#deps.problems.set('clock', `the clock here is ${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs > 0 ? 'behind' : 'ahead of'} the service's`)
    else if (this.#clockIsOff) this.#deps.problems.clear('clock')
    this.#clockIsOff = isOff
  }

  async close(): Promise<void> {
    await this.#enforcer.close()
  }

  /** Resolves when nothing is being fetched or told. */
  async settled(): Promise<void> {
    await this.#catchingUp
    await this.#lists.settled()
    await this.#enforcer.settled()
  }

  async #revoked(addition: Addition): Promise<void> {
    const isNew = this.#set.add(addition)
    if (isNew) this.#enforcer.add([addition.serialNumber])
    this.#follow(addition.change)
    await this.#enforcer.turn()
    // After the front end: a disk that is slow or full delays nobody's refusal.
    if (isNew) this.#remember(addition)
    // Numbers may be passed over (a release has one too), or something was lost on the way: the state tells.
    for (let tries = 0; tries < 3 && addition.change > this.#change; tries++) {
      await this.catchUp()
      this.#follow(addition.change)
    }
  }

  #follow(change: number): void {
    if (change === this.#change + 1) this.#advance(change)
  }

  #remember(addition: Addition): void {
    this.#unsaved.push(addition)
    this.#save('additions', () => {
      this.#deps.folder.append(this.#unsaved)
      this.#unsaved = []
    })
  }

  async #heartbeat({ change, at }: Heartbeat): Promise<void> {
    const isOld = Math.abs(at.getTime() - this.#serviceNow().getTime()) > underwayMs
    if (change > this.#change || isOld || this.#lists.outstanding > 0) await this.catchUp()
    else if (change < this.#change) this.#fellBehind(change)
    else this.#confirm(this.#deps.clock())
    await this.tick()
  }

  /** A message that took its time is no fault; a feed that stays behind repeats what was. */
  #fellBehind(change: number): void {
    this.#behind++
    if (this.#behind > 2) this.#deps.problems.set('feed-behind', `the feed says ${change}, but ${this.#change} was already told`)
  }

  /** @param then  what the service said was so at that moment, at the earliest */
  #confirm(then: Moment): void {
    this.#behind = 0
    if (this.#heard === undefined || then.monotonicMs > this.#heard.monotonicMs) this.#heard = then
    this.#deps.problems.clear('feed-behind')
    this.#save('state', () => { this.#writeState() })
  }

  /** Asks for everything after what is known. Many calls at once are one. @throws never: what fails is a problem, and tried again */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.#askState().finally(() => { this.#catchingUp = undefined })
    await this.#catchingUp
  }

  async #askState(): Promise<void> {
    // The answer may be long on its way, but it cannot be older than the question.
    const asked = this.#deps.clock()
    try {
      const state = await this.#deps.feedState(this.#change)
      this.#deps.problems.clear('service-unreachable')
      if (state.change < this.#change) return this.#fellBehind(state.change)
      for (const addition of state.revoked) if (this.#set.add(addition)) this.#enforcer.add([addition.serialNumber])
      const told = this.#enforcer.turn()
      this.#lists.hear(state.lists)
      await this.fetchLists()
      // Too much has happened to be told one by one: what is not told is in the lists, so every one of them is needed.
      if (state.reset && this.#lists.outstanding > 0) return
      this.#advance(state.change)
      await told
      if (Math.abs(state.at.getTime() - this.#serviceNow().getTime()) > clockMs) this.#deps.problems.set('clock', 'the service contradicts its own clock')
      else this.#confirm(asked)
    } catch (error) {
      this.#deps.problems.set('service-unreachable', messageOf(error))
    }
  }

  #advance(change: number): void {
    if (change <= this.#change) return
    this.#change = change
    this.#enforcer.mark(change)
  }

  /** Fetches what is known to be new or missing. What fails stays outstanding. */
  async fetchLists(): Promise<void> {
    const changed = await this.#lists.fetch()
    if (this.#lists.outstanding === 0) {
      this.#deps.problems.clear('list-missing')
      this.#deps.problems.clear('list-refused')
    }
    if (!changed) return
    this.#save('state', () => { this.#writeState() })
    this.#readyIfWhole()
    await this.tick()
  }

  #take(list: VerifiedList, der: Buffer): void {
    if (!this.#save('lists', () => { this.#lists.keep(list, der) })) return this.#addAll(list)
    const { added, lifted } = this.#set.put(list)
    this.#enforcer.add(added)
    this.#enforcer.lift(lifted)
    this.#enforcer.bundleChanged()
  }

  /** The disk did not take the list, so that it must not lift anything: after a restart an older one would count. */
  #addAll(list: VerifiedList): void {
    this.#lists.want(list)
    for (const serialNumber of list.serialNumbers) {
      if (!this.#set.has(serialNumber) && this.#set.add({ authority: list.authority, serialNumber, change: list.change })) this.#enforcer.add([serialNumber])
    }
  }

  async #renewTrust(): Promise<void> {
    try {
      const { trust, policy } = await this.#deps.fetchTrust()
      this.#trust = trust
      this.#policy = policy
      this.#set.reshape(trust.rootName, partitionsOf(trust))
      this.#deps.problems.clear('trust-refused')
      this.#lists.wantMissing()
      await this.fetchLists()
      this.#enforcer.bundleChanged()
    } catch (error) {
      this.#deps.problems.set('trust-refused', messageOf(error))
    }
    await this.tick()
  }

  /** Certificates of a CA that is not trusted any more get in nowhere, listed or not. */
  #allListed(): boolean {
    const trusted = new Set([this.#trust.rootName, ...this.#trust.issuing.map(({ name }) => name)])
    return this.#set.additions.every(({ authority }) => !trusted.has(authority))
  }

  #readyIfWhole(): void {
    if (this.#lists.missing.length > 0) return
    this.#enforcer.bundleChanged()
    this.#enforcer.ready()
  }

  /** Requests carry no issuer that a serial number could be held against: when a CA has gone, nobody is let in. */
  #revokedCa(): string | undefined {
    const ca = this.#trust.issuing.find(({ certificate }) => this.#set.revokedByRoot(certificate.serialNumber))
    if (ca === undefined) this.#deps.problems.clear('issuing-authority-revoked')
    else this.#deps.problems.set('issuing-authority-revoked', `the root has revoked ${ca.name}`)
    return ca?.name
  }

  #writeState(): void {
    this.#deps.folder.write({ floors: this.#lists.floors, additions: this.#set.additions, change: this.#change, heardAt: this.#heard?.wall })
    // Those that could not be written one by one are in it.
    this.#unsaved = []
    this.#notSaved.delete('additions')
  }

  /** @returns whether the disk took it */
  #save(what: 'state' | 'lists' | 'additions', write: () => void): boolean {
    const { problems } = this.#deps
    try {
      write()
      this.#notSaved.delete(what)
      if (this.#notSaved.size === 0) problems.clear('disk')
      return true
    } catch (error) {
      this.#notSaved.add(what)
      problems.set('disk', `${what}: ${messageOf(error)}`)
      return false
    }
  }

  #serviceNow(): Date {
    return new Date(this.#deps.clock().wall.getTime() + this.#deps.clockOffsetMs())
  }
}
