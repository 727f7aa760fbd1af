import { CaError } from './errors.ts'
import { serve, stopOnSignal } from './serve.ts'

try {
  const running = await serve({ env: process.env })
  stopOnSignal(running)
} catch (error) {
  // A mistake of the operator's is told in words; a defect shows itself.
  if (!(error instanceof CaError)) throw error
  process.stderr.write(`latchkey: ${error.code}\n${error.message}\n`)
  process.exitCode = 1
}
