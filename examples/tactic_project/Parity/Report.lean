module

public import Parity.Square
meta import Lean

/-! Says what was proved when this module is built. -/

open Lean

run_cmd
  for name in [``odd_square, ``even_square_add, ``odd_of_mixed] do
    let statement := (← getConstInfo name).type
    Elab.Command.liftTermElabM <| logInfo m!"{name} : {statement}"
