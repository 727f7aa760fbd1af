/** The API as commands use it: the Unix socket of a service here, or an address and a token of one elsewhere. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { z } from 'zod'
import { CaError, type ErrorCode } from '../errors.ts'
import { parametersOf, type Operation } from '../protocols/api/operation.ts'

export type Client = {
  /** @throws {CaError} with the code that the service gave; server-unreachable when there is none */
  call<Input extends z.ZodType, Output extends z.ZodType>(operation: Operation<Input, Output>, input: z.input<Input>): Promise<z.output<Output>>
}

type Environment = Readonly<Record<string, string | undefined>>
type Target = { secure: boolean, options: RequestOptions, name: string }

const prefix = '/api/v1'
const timeoutMs = 60_000
const maxAnswerBytes = 64 * 1024 * 1024

/** A token makes it a service elsewhere: `LATCHKEY_URL` is also a setting of the service itself. */
export function connect(env: Environment): Client {
  const target = targetOf(env)
  return {
    async call<Input extends z.ZodType, Output extends z.ZodType>(operation: Operation<Input, Output>, input: z.input<Input>): Promise<z.output<Output>> {
      const { path, body } = messageFor(operation, input as Record<string, unknown>)
      const { status, text } = await send(target, operation.method, `${prefix}${path}`, body)
      if (status !== operation.status) throw refusal(status, text)
      return parseAnswer(text) as z.output<Output>
    },
  }
}

/** One request by its address under /api/v1, to the service whose data folder this is. */
export async function callLocal<Output>(dataFolder: string, method: string, path: string, body?: unknown): Promise<Output> {
  const { status, text } = await send(targetOf({ LATCHKEY_DATA: dataFolder }), method, `${prefix}${path}`, body === undefined ? undefined : JSON.stringify(body))
  if (status !== 200 && status !== 201) throw refusal(status, text)
  return parseAnswer(text) as Output
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CaError('server-unreachable', 'what answers there is not Latchkey: its answer is not JSON', { cause })
  }
}

function targetOf(env: Environment): Target {
  const token = env['LATCHKEY_TOKEN']
  if (token === undefined || token === '') {
    const socketPath = join(env['LATCHKEY_DATA'] || 'var', 'latchkey.sock')
    return { secure: false, options: { socketPath }, name: `a service here (no one answers at ${socketPath}); start one with npm start, or set LATCHKEY_DATA, or LATCHKEY_URL and LATCHKEY_TOKEN` }
  }
  const url = URL.parse(env['LATCHKEY_URL'] || 'http://localhost:8080')
  if (url === null || !/^https?:$/.test(url.protocol)) throw new CaError('invalid-configuration', 'LATCHKEY_URL: is not an http or https address')
  const options = { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, headers: { authorization: `Bearer ${token}` } }
  return { secure: url.protocol === 'https:', options, name: url.origin }
}

/** Undefined members are not sent. */
function messageFor(operation: Operation, input: Record<string, unknown>): { path: string, body: string | undefined } {
  const inPath = parametersOf(operation.path)
  const path = inPath.reduce((text, name) => text.replace(`{${name}}`, encodeURIComponent(String(input[name]))), operation.path)
  const rest = Object.entries(input).filter(([name, value]) => !inPath.includes(name) && value !== undefined)
  if (operation.method === 'post' || operation.method === 'put') return { path, body: JSON.stringify(Object.fromEntries(rest)) }
  const query = new URLSearchParams(rest.map(([name, value]): [string, string] => [name, String(value)])).toString()
  return { path: query === '' ? path : `${path}?${query}`, body: undefined }
}

async function send({ secure, options, name }: Target, method: string, path: string, body: string | undefined): Promise<{ status: number, text: string }> {
  const headers = { ...options.headers as object, accept: 'application/json', ...body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)({ ...options, method: method.toUpperCase(), path, headers, timeout: timeoutMs }, resolve)
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', cause => reject(new CaError('server-unreachable', `cannot reach ${name}`, { cause })))
    request.end(body)
  })
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response) {
      length += (chunk as Buffer).length
      if (length > maxAnswerBytes) throw new Error('the answer is too large')
      chunks.push(chunk as Buffer)
    }
  } catch (cause) {
    throw new CaError('server-unreachable', `the answer of ${name} was cut off`, { cause })
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

function refusal(status: number, text: string): Error {
  try {
    const { code, detail, title } = JSON.parse(text) as { code?: string, detail?: string, title?: string }
    if (typeof code === 'string' && /^[a-z-]{3,60}$/.test(code)) return new CaError(code as ErrorCode, detail ?? title ?? code)
  } catch {
    // Whoever answered is no service of ours, or in trouble.
  }
  return new Error(`the service answered with ${status}; its log says why`)
}
