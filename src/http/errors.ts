import type { Context, Middleware } from 'koa'
import { CaError } from '../errors.ts'
import type { Log } from './log.ts'
import { toProblem, type Problem } from './problem.ts'

/** Outermost middleware: whatever is thrown inside it leaves as a problem document (RFC 9457). */
export const problems = (log: Log): Middleware => async (ctx, next) => {
  try {
    await next()
    // What no route took.
    if (ctx.body === undefined || ctx.body === null) {
      if (ctx.status === 404) answerProblem(ctx, new CaError('not-found', 'there is nothing at this address'))
      else if (ctx.status === 405 || ctx.status === 501) answerProblem(ctx, new CaError('method-not-allowed', 'this address does not take this method'))
    }
  } catch (error) {
    logFailure(log, error)
    answerProblem(ctx, error)
  }
}

/** Pages for people say a refusal in their own way: whoever makes them puts this into `ctx.state.answerRefusal`. */
export type AnswerRefusal = (status: number, problem: Problem) => void

export function answerProblem(ctx: Context, error: unknown): void {
  const { status, body } = toProblem(error)
  const answerRefusal = ctx.state['answerRefusal'] as AnswerRefusal | undefined
  if (answerRefusal !== undefined) {
    answerRefusal(status, body)
    if (status === 413) ctx.set('connection', 'close')
    return
  }
  ctx.status = status
  ctx.body = JSON.stringify(body)
  ctx.type = 'application/problem+json'
  ctx.set('cache-control', 'no-store')
  if (status === 401) ctx.set('www-authenticate', 'Bearer realm="latchkey"')
  if (status === 503 || status === 429) ctx.set('retry-after', '1')
  // The rest of such a body is not read, so the connection is of no more use.
  if (status === 413) ctx.set('connection', 'close')
}

/** Where it happened, but not what it said: a defect's message may hold what somebody sent. */
function logFailure(log: Log, error: unknown): void {
  if (error instanceof CaError) {
    const outage = toProblem(error).status >= 500
    log(outage ? 'error' : 'info', outage ? 'outage' : 'refused', { code: error.code })
    return
  }
  const { name, code, stack } = error instanceof Error ? error as Error & { code?: unknown } : { name: typeof error, code: undefined, stack: '' }
  const frames = (stack ?? '').split('\n').map(line => line.trim()).filter(line => line.startsWith('at ')).slice(0, 8)
  log('error', 'defect', { name, code: typeof code === 'string' ? code : null, stack: frames.join('; ') })
}
