/** Asks a front end within bounds, and counts what got as far as a check of its own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CaError } from '../errors.ts'
import { ask, outcomeOf, type AskOptions, type Heard, type Outcome, type Place, type Question } from './ask.ts'

/** More than any trial needs, also of a front end that refuses late in every way. */
const mostRequests = 1500
/** Each takes as long as an answer may; more than are ever under way at once. */
const mostSilent = 8

export type Told = { readonly heard: Heard, readonly outcome: Outcome }

export class Client {
  readonly place: Place
  readonly #options: AskOptions
  readonly #counted = new Map<string, number>()
  #requests = 0
  #silent = 0

  constructor(place: Place, options: AskOptions) {
    this.place = place
    this.#options = options
  }

  get requests(): number {
    return this.#requests
  }

  /** How many requests with this certificate were not refused for TLS's sake: a front end that asks Latchkey has asked about each. */
  countOf(serialNumber: string): number {
    return this.#counted.get(serialNumber) ?? 0
  }

  /** @throws {CaError} server-unreachable */
  async ask(question: Question = {}): Promise<Told> {
    if (++this.#requests > mostRequests) throw new CaError('rate-limited', `the trial ends after ${mostRequests} requests`)
    const heard = await ask(this.place, question, this.#options)
    const outcome = outcomeOf(heard)
    this.#silent = outcome === 'silent' ? this.#silent + 1 : 0
    if (this.#silent >= mostSilent) throw new CaError('server-unreachable', `${this.place.host}:${this.place.port} takes connections and does not answer`)
    const serialNumber = question.identity?.serialNumber
    if (serialNumber !== undefined && (outcome === 'passed' || outcome === 'by-check')) this.#counted.set(serialNumber, this.countOf(serialNumber) + 1)
    return { heard, outcome }
  }

  /** Asks again where a connection was cut without an answer: a server that is being reloaded does that, once. */
  async askSteadily(question: Question): Promise<Told> {
    let told = await this.ask(question)
    for (let n = 0; n < 3 && told.outcome !== 'passed' && /^(ECONNRESET|EPIPE|TIMEOUT)$/.test(told.heard.why); n++) {
      await sleep(200)
      told = await this.ask(question)
    }
    return told
  }
}
