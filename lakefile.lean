import Lake
open Lake DSL

package lemmaforge where
  srcDir := "lean_project"
  -- The last ones take later releases back to the elaborator that the sources are tested with, as far as there is such an option.
  leanOptions := #[⟨`autoImplicit, false⟩, ⟨`linter.missingDocs, true⟩, ⟨`weak.backward.do.legacy, true⟩,
    ⟨`weak.backward.isDefEq.respectTransparency, false⟩, ⟨`weak.backward.isDefEq.respectTransparency.types, false⟩]

@[default_target]
lean_lib LemmaForge

/-- The server that speaks docs/protocol.md on its standard streams. -/
@[default_target]
lean_exe «lemmaforge-server» where
  root := `Main
  supportInterpreter := true
