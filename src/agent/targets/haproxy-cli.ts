/** One connection to HAProxy's Runtime API (Management Guide §9.3): all its commands reach one process, whatever is reloaded. */
import { connect, type Socket } from 'node:net'

const answerMs = 5_000
const maxAnswerCharacters = 64 * 1024 * 1024
// Interactive mode ends every answer so; an answer of its own never has a line that begins with it.
const prompt = '\n> '

type Waiting = { sent: string, resolve: (answer: string) => void, reject: (error: Error) => void }

export class HaproxyCli {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #received: string[] = []
  #length = 0
  #tail = ''
  #closed: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => { this.#take(text) })
    socket.on('error', error => { this.#end(error) })
    socket.on('close', () => { this.#end(new Error('HAProxy closed the connection')) })
    socket.setTimeout(answerMs, () => { if (this.#waiting.length > 0) socket.destroy(new Error('HAProxy does not answer')) })
  }

  /** @throws when nobody listens there, or it is not HAProxy */
  static async open(path: string): Promise<HaproxyCli> {
    const socket = connect(path)
    await new Promise<void>((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
    const cli = new HaproxyCli(socket)
    await cli.ask('prompt')
    return cli
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * One question after the other, for answers that come together cannot be told apart.
   * @param payload  lines, none of them empty. @returns the answer without empty lines around it
   */
  async ask(command: string, payload?: string): Promise<string> {
    if (this.#closed !== undefined) throw this.#closed
    const sent = payload === undefined ? `${command}\n` : `${command} <<\n${payload.endsWith('\n') ? payload : `${payload}\n`}\n`
    const answer = new Promise<string>((resolve, reject) => { this.#waiting.push({ sent, resolve, reject }) })
    if (this.#waiting.length === 1) this.#socket.write(sent)
    return (await answer).replace(/^(?:\+ )+/, '').trim()
  }

  /** A command that says nothing when it is done. @throws with what HAProxy said */
  async tell(command: string, payload?: string): Promise<void> {
    const answer = await this.ask(command, payload)
    if (answer !== '') throw new Error(`${command.slice(0, 80)}: ${answer.slice(0, 200)}`)
  }

  close(): void {
    this.#end(new Error('the connection to HAProxy was closed'))
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received.push(text)
    this.#length += text.length
    this.#tail = (this.#tail + text).slice(-prompt.length)
    if (this.#length > maxAnswerCharacters) this.#socket.destroy(new Error('HAProxy answers without an end'))
    if (this.#tail !== prompt) return
    const answer = this.#received.join('').slice(0, -prompt.length)
    this.#received = []
    this.#length = 0
    this.#tail = ''
    this.#waiting.shift()?.resolve(answer)
    const next = this.#waiting[0]
    if (next !== undefined) this.#socket.write(next.sent)
  }

  #end(error: Error): void {
    this.#closed ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed)
  }
}
