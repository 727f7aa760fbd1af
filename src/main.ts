import { CaError } from './errors.ts'
import { serve } from './serve.ts'

try {
  const running = await serve({ env: process.env })
  const stop = (): void => { running.stop().then(() => process.exit(0), () => process.exit(1)) }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  // A mistake of the operator's is told in words; a defect shows itself.
  if (!(error instanceof CaError)) throw error
  process.stderr.write(`latchkey: ${error.code}\n${error.message}\n`)
  process.exitCode = 1
}
