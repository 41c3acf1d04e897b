module

public import LemmaForge.Frontend

/-!
# What a submission may be made of

Lean elaborates a file by running programs, and a file may bring programs of its own: a macro, a tactic, an `#eval`, a `simproc`, an attribute that swaps a function for
another. Such a program runs inside the process that is to judge it. A proof needs none of it, so the judge lets no such syntax reach the elaborator: every node of a
submission's syntax tree must be of a kind that is listed here. What is not listed is refused by name, before it is elaborated, whether somebody thought of its danger or not.

Six things need a closer look than the kind of a node:
- an *attribute* without syntax of its own is named by an identifier, so those are listed by name;
- an *option* likewise: `debug.skipKernelTC` and `maxHeartbeats` have the same syntax;
- a tactic's *configuration*, `(config := e)`, is a term that Lean compiles and runs, so it may hold literals, `true`, `false`, `.name` and structure instances alone;
- a few *names* make the kernel run compiled code (`Lean.reduceBool`) and may not be spoken;
- the namespace `Lean` is closed: Lean's programs look up what they need there by name (the type of a configuration, say), and must find their own;
- `notation` (and `infix` and so on) declares new kinds. It only abbreviates terms, which have been looked at when they were written, so kinds that a submission declares
  itself are allowed, as are those of the trusted text. They cannot pass for an old kind: giving a kind a name is not on the list.

The lists cover Lean's core. `Judge.Libraries` says which of a library's own tactics are allowed; others may be by the caller, kind by kind.
-/

public section

namespace LemmaForge.Judge

open Lean Parser

/-- The kinds `space.name` for each of the names, which are separated by white space. -/
private def under (space : Name) (names : String) : List Name :=
  (names.split Char.isWhitespace).toList.filterMap fun name => if name.isEmpty then none else some (.str space name.toString)

/-- Text between kinds: lists, groups, identifiers and literals. -/
private def leaves : List Name :=
  [nullKind, groupKind, choiceKind, identKind, numLitKind, hexnumKind, strLitKind, charLitKind, nameLitKind, scientificLitKind, hygieneInfoKind, fieldIdxKind,
    interpolatedStrKind, interpolatedStrLitKind, `patternIgnore]

/-- Terms: no quotations, no `by_elab`, `unsafe`, `include_str`, `dbg_trace`, `panic!` or `match_expr`. -/
private def terms : List Name :=
  under .anonymous "term!_ boolIfThenElse coeFunNotation coeNotation coeSortNotation rawNatLit term#[_,] term%[_|_] term-_ termDepIfThenElse termExists_,_ termIfLet \
    termIfThenElse termS!_ termWithout_expected_type_ term[_] term_!=_ term_$__ term_%_ term_&&&_ term_&&_ term_*>_ term_*_ term_++_ term_+_ term_-_ \
    term_/\\_ term_/_ term_::_ term_<$>_ term_<&&>_ term_<&>_ term_<*>_ term_<*_ term_<->_ term_<<<_ term_<=<_ term_<=_ term_<_ term_<|>_ term_<|_ \
    term_<||>_ term_=<<_ term_==_ term_=_ term_>=>_ term_>=_ term_>>=_ term_>>>_ term_>>_ term_>_ term_\\/_ term_\\_ term_^^^_ term_^_ term__[_] \
    term__[_]'_ term__[_]_! term__[_]_? term_|>_ term_||_ term_|||_ term_×'_ term_×'__1 term_×_ term_×__1 term_•_ term_⁻¹ term_↔_ term_∈_ term_∉_ \
    term_∘_ term_∣_ term_∧_ term_∨_ term_∩_ term_∪_ term_≈_ term_≍_ term_≠_ term_≤_ term_≥_ term_⊂_ term_⊃_ term_⊆_ term_⊇_ term_⊕'_ term_⊕_ \
    term{_:_//_} term{_} term{} term~~~_ term¬_ termΣ'_,_ termΣ_,_ term‹_› term∃_,_ term∅ term∎" ++
  under `Lean.Parser.Term "anonymousCtor app arrow attrInstance attrKind attributes basicFun binderDefault binderTactic binop binop_lazy binrel binrel_no_prop byTactic \
    byTactic' cdot clear declName defaultOrOfNonempty depArrow do doBreak doCatch doCatchMatch doContinue doExpr doFinally doFor doForDecl doHave \
    doIdDecl doIf doIfLet doIfLetBind doIfLetPure doIfProp doLet doLetArrow doLetElse doLetRec doMatch doNested doPatDecl doReassign doReassignArrow \
    doReturn doSeqBracketed doSeqIndent doSeqItem doTry doUnless dotIdent doubleQuotedName ellipsis ensureExpectedType ensureTypeOf explicit \
    explicitBinder explicitUniv falseVal forall fromTerm fun generalizingParam have haveI hole hygienicLParen implicitBinder inaccessible instBinder \
    leftact let letConfig letDecl letEqnsDecl letI letId letIdDecl letNegOpt letOptEq letOptGeneralize letOptNondep letOptPostponeValue letOptUsedOnly \
    letOptZeta letOpts letPatDecl letPosOpt letRecDecl letRecDecls let_delayed let_fun letrec liftMethod local nestedAction match matchAlt matchAlts \
    matchAltsWhereDecls matchDiscr motive namedArgument namedPattern noImplicitLambda nofun noindex nomatch open optEllipsis paren pipeProj proj prop \
    quotedName rightact scoped set_option show showTermElabImpl sorry sort strictImplicitBinder structInst structInstArrayRef structInstField \
    structInstFieldDef structInstFieldEqns structInstFields structInstLVal subst suffices sufficesDecl syntheticHole termFor termReturn termTry \
    termUnless trueVal tuple type typeAscription typeOf typeSpec unop whereDecls whereFinally whereFinallySubsection" ++
  under `Lean "binderIdent binderPred<_ binderPred>_ binderPred∈_ binderPred∉_ binderPred≠_ binderPred≤_ binderPred≥_ binderPred⊂_ binderPred⊃_ binderPred⊆_ \
    binderPred⊇_ bracketedExplicitBinders calc calcFirstStep calcStep calcSteps cdotTk doElemRepeat_ doElemRepeat__Until_ doElemTrace[_]__ \
    doElemWhile_:_Do_ doElemWhile_Do_ explicitBinders modCast termMacro.trace[_]_ termRegister_parser_alias(Kind:=_)______ \
    termSatisfies_binder_pred%__ term_Matches_| term∀__,_ term∃__,_ unbracketedExplicitBinders" ++
  under `Lean.Elab.Do "dooBlock" ++
  under `Array "term__[:_] term__[_:] term__[_:_] term_~_" ++
  under `List "term_<+:_ term_<+_ term_<:+:_ term_<:+_ term_~_" ++
  under `Vector "term#v[_,] term_~_" ++
  under `BitVec "term__#'__ term__#__" ++
  under `Bool "term_^^_" ++
  under `Int "term-[_+1]" ++
  under `Rat "term_/._" ++
  under `Std "term*...* term*...<_ term*...=_ term*..._ termF!_ term_...* term_...<_ term_...=_ term_..._ term_<...* term_<...<_ term_<...=_ term_<..._" ++
  under `Std.Legacy.Range "term[:_:_] term[:_] term[_:_:_] term[_:_]" ++
  under `Std.Do "termPost⟨_,,⟩ termSpred(_) termTerm(_) termWp⟦_:_⟧ term_→ₑ_ term_→ₚ_ term_⇓?_=>_ term_⇓_=>_ term_∧ₑ_ term_∧ₚ_ term_⊢ₑ_ term_⊢ₚ_ term_⊢ₛ_ term_⊣⊢ₛ_ \
    term⊢ₛ_ term⌜_⌝ triple" ++
  under `Lean.Order "term_⊑_ term⊥" ++
  under `Lean.Parser.Level "addLit hole ident imax max num paren"

/-- Tactics: no `run_tac`, `native_decide`, `bv_decide` (it runs another program and trusts compiled code), `dbg_trace`, `sleep`. -/
private def tactics : List Name :=
  under .anonymous "tacticBy_cases_:_ tacticClean_wf tacticDecreasing_tactic tacticDecreasing_trivial tacticDecreasing_trivial_pre_omega tacticDecreasing_with_ \
    tacticDeriving_LawfulEq_tactic tacticDeriving_LawfulEq_tactic_step tacticFunext___ tacticGet_elem_tactic tacticGet_elem_tactic_extensible \
    tacticGet_elem_tactic_trivial tacticSimp_wf tactic∎" ++
  under `Lean.Parser.Tactic "acNf0 acRfl allGoals anchor anyGoals apply apply? applyAssumption applyRfl applyRules as_aux_lemma assumption attemptAll bvNormalize \
    bvNormalizeMacro case case' caseArg cases change changeWith classical clear clearValue clearValueArg clearValueHyp clearValueStar configItem congr \
    constructor contradiction cutsat decide delta discharger done dsimp dsimpArgs dsimpAutoUnfold dsimpKind dsimpTrace dsimpTraceArgsRest elimTarget \
    eqRefl exact exact? exposeNames extractLets fail failIfSuccess falseOrByContra first focus funCases funInduction generalize generalizeArg grind \
    grindErase grindLemma grindLemmaMin grindParam grindTrace grobner guardExpr guardExprConv guardHyp guardHypConv guardTarget guardTargetConv \
    induction inductionAlt inductionAltLHS inductionAlts injection injections intro introMatch intros invariantAlts invariantCaseAlt invariantDotAlt \
    invariantsKW left letToHave letrec lia liftLets location locationHyp locationType locationWildcard massumption massumptionMacro match mcases \
    mcasesError mcasesMacro mcasesPat#_ mcasesPat%_ mcasesPat(_) mcasesPat- mcasesPatAlts mcasesPat_ mcasesPat⌜_⌝ mcasesPat□_ mcasesPat⟨_⟩ mclear \
    mclearError mclearMacro mconstructor mconstructorMacro mdup mexact mexactError mexactMacro mexfalso mexfalsoMacro mexists mexistsError \
    mexistsMacro mframe mframeMacro mhave mhaveError mhaveMacro mintro mintroError mintroMacro mintroPat_ mintroPat∀_ mleave mleaveMacro mleft \
    mleftMacro mpure mpureError mpureIntro mpureIntroMacro mpureMacro mrefine mrefineError mrefineMacro mrefinePat#_ mrefinePat%_ mrefinePat(_) \
    mrefinePat?_ mrefinePat_ mrefinePats mrefinePat⌜_⌝ mrefinePat□_ mrefinePat⟨_⟩ mrenameI mrenameIError mrenameIMacro mreplace mreplaceError \
    mreplaceMacro mrevert mrevertError mrevertMacro mrevertPat_ mrevertPat∀_ mright mrightMacro mspec mspecMacro mspecNoBind mspecNoSimp mspecialize \
    mspecializeError mspecializeMacro mspecializePure mspecializePureError mspecializePureMacro mstart mstartMacro mstop mstopMacro mvcgen mvcgenMacro \
    negConfigItem nestedTactic normCast0 obtain omega open optConfig paren posConfigItem pushCast rcases rcasesPatLo rcasesPatMed refine refine' \
    rename renameI repeat' repeat1' replace revert rewriteSeq rewrites? rewrites_forbidden right rintro rotateLeft rotateRight rwRule rwRuleSeq rwSeq \
    seq1 set_option show showTerm simp simpAll simpAllArith simpAllArithBang simpAllAutoUnfold simpAllKind simpAllTrace simpAllTraceArgsRest simpArgs \
    simpArith simpArithBang simpAutoUnfold simpErase simpLemma simpPost simpPre simpStar simpTrace simpTraceArgsRest simpa simpaArgsRest skip \
    solveByElim specialize split subst substEqs substVars symm symmSaturate tacDepIfThenElse tacIfThenElse tacticAc_nf_ tacticAdmit tacticAnd_intros \
    tacticApply_mod_cast_ tacticAssumption_mod_cast_ tacticBv_omega tacticDsimp?!_ tacticErw___ tacticExact_mod_cast_ tacticExfalso tacticExists_,, \
    tacticHave' tacticHaveI__ tacticHave__ tacticInfer_instance tacticIterate____ tacticLet'__ tacticLetI__ tacticLet__ tacticMvcgen_trivial \
    tacticMvcgen_trivial_extensible tacticNext_=>_ tacticNofun tacticNomatch_,, tacticNorm_cast__ tacticRefine_lift'_ tacticRefine_lift_ tacticRepeat_ \
    tacticRfl tacticRfl' tacticRw_mod_cast___ tacticRwa__ tacticSeq tacticSeq1Indented tacticSeqBracketed tacticSimp?!_ tacticSimp_all?!_ \
    tacticSimpa!_ tacticSimpa?!_ tacticSimpa?_ tacticSorry tacticStop_ tacticSuffices_ tacticTrivial tacticTry_ tacticUnhygienic_ tactic_<;>_ \
    traceMessage traceState tryTrace unfold valConfigItem vcAlt vcAlts withReducible withReducibleAndInstances withUnfoldingAll" ++
  under `Lean "calcTactic cdot convCalc_ solveTactic" ++
  under `Lean.Parser.Tactic.Conv "allGoals anyGoals arg argArg case case' change clear congr conv convApply_ convArgs convConvSeq convDone convErw__ convIntro___ convLeft \
    convNext__=>_ convRepeat_ convRfl convRight convRw__ convSeq convSeq1Indented convSeqBracketed convTactic convTrace_state convTry_ conv_<;>_ \
    conv·._ delta dsimp dsimpTrace enter enterArg enterPattern ext extractLets failIfSuccess first focus fun letToHave lhs liftLets nestedConv \
    nestedTactic nestedTacticCore normCast occs occsIndexed occsWildcard paren pattern reduce rewrite rhs simp simpMatch simpTrace skip unfold whnf \
    zeta" ++
  under `Lean.Parser.Tactic.Grind "ac allGoals anyGoals cases casesNext casesTrace done exposeNames fail failIfSuccess finish finishTrace first focus grindAdmit grindFilter \
    grindRepeat_ grindSeq grindSeq1Indented grindSeqBracketed grindStep grindTry_ grind_<;>_ grind_filter!_ grind_filter(_) grind_filterGen!=_ \
    grind_filterGen<=_ grind_filterGen<_ grind_filterGen=_ grind_filterGen>=_ grind_filterGen>_ grind_filterGen≤_ grind_filterGen≥_ grind_filter_ \
    grind_filter_&&_ grind_filter_||_ grind_ref_ grind_ref__1 grind·._ have haveSilent instantiate lia linarith mbtc nestedTacticCore next paren \
    renameI ring setOption showAsserted showCases showEqcs showFalse showLocalThms showState showTerm showTrue skip sorry thm thmNs use" ++
  under `Lean.Parser.Tactic.SolveByElim "arg args erase star using_" ++
  under `Lean.Parser.Tactic.rcasesPat "clear explicit ignore one paren tuple" ++
  under `Lean.Parser.Tactic.rintroPat "binder one" ++
  under `Lean.Elab.Tactic.Ext "applyExtTheorem ext tacticExt1___" ++
  under `Lean.Parser.Termination "coinductiveFixpoint decreasingBy inductiveFixpoint partialFixpoint suffix terminationBy terminationBy?" ++
  under `Array "tacticArray_get_dec tacticArray_mem_dec" ++
  under `List "tacticSizeOf_list_dec" ++
  under `Lean.Order "monotonicity"

/-- Commands: declarations, scopes, notation, and questions to Lean. No `axiom`, no macros, no evaluation, no `#exit`; `unsafe`, `partial` and `meta` are no modifiers here. -/
private def commands : List Name :=
  under `Lean.Parser.Command "synth where version abbrev addDocString attribute check check_failure classAbbrev classInductive classTk coinductive ctor declId declModifiers declSig declValEqns \
    declValSimple declaration definition deriving derivingClass docComment end eoi eraseAttr example export extends grindPattern grindPatternCnstrs \
    identPrec in include inductive infix infixl infixr instance mixfix moduleDoc mutual namedPrio namespace noncomputable nonrec notation omit opaque \
    open openHiding openOnly openRenaming openRenamingItem openScoped openSimple optDeclSig optDeriving postfix prefix print printAxioms printEqns \
    printSig private protected section sectionHeader set_option structCtor structExplicitBinder structFields structImplicitBinder structInstBinder \
    structParent structSimpleBinder structure structureTk theorem universe variable whereStructInst" ++
  under `Lean.Parser.Command.GrindCnstr "check defEq depthLt genLt guard isGround isStrictValue isValue maxInsts notDefEq notStrictValue notValue sizeLt" ++
  under `Lean.Parser "colon colonA colonD colonEq colonEqA colonEqD colonEqR colonEqS colonR colonS commandSeal__ commandUnseal__ equal equalA equalD equalR equalS \
    precedence" ++
  under .anonymous "prec(_) precArg precLead precMax precMin precMin1 prio(_) prioDefault prioHigh prioLow prioMid" ++
  under `Lean.Parser.Syntax "unicodeAtom addPrec addPrio numPrec subPrec subPrio" ++
  under `Lean.Parser.Priority "numPrio" ++
  under `Lean.Parser.Attr "default_instance ext extFlat extIff grind grind! grind!? grind? grindBwd grindCases grindCasesEager grindDef grindEq grindEqBoth grindEqBwd \
    grindEqRhs grindExt grindFunCC grindFwd grindGen grindInj grindIntro grindLR grindMod grindNorm grindRL grindSym grindUnfold grindUsr instance \
    normCastLabel norm_cast recursor simp simple spec specialize wf_preprocess" ++
  under `Lean "deprecated" ++
  under `Lean.Attr "coe"

/-- Attributes that are named by an identifier. None of them changes what a program does, or brings a program along. -/
private def attributeNames : List Name :=
  [`simp, `ext, `rfl, `refl, `symm, `trans, `congr, `gen_congr, `reducible, `irreducible, `semireducible, `implicit_reducible, `instance, `default_instance,
    `inline, `always_inline, `noinline, `specialize, `nospecialize, `match_pattern, `elab_as_elim, `elab_without_expected_type, `elab_simple,
    `induction_eliminator, `cases_eliminator, `norm_cast, `push_cast, `coe, `grind, `spec, `partial_fixpoint_monotone, `deprecated, `inherit_doc,
    `expose, `no_expose, `nolint, `bool_to_prop, `int_toBitVec, `bv_normalize]

/-- Options by name; `under` a name all that begin with it. -/
private def optionNames : List Name :=
  [`maxHeartbeats, `maxRecDepth, `synthInstance, `autoImplicit, `relaxedAutoImplicit, `autoLift, `exponentiation, `checkBinderAnnotations,
    `tactic, `grind, `simp, `simprocs, `eqns, `smartUnfolding, `structureDiamondWarning, `wf, `inductive, `backward, `allowUnsafeReducibility, `linter, `pp, `warn,
    `showInferredTerminationBy]

/-- What may stand in a tactic's configuration. -/
private def configKinds : List Name :=
  leaves.filter (· != interpolatedStrKind) ++ under `Lean.Parser.Tactic "optConfig configItem posConfigItem negConfigItem valConfigItem" ++
  under `Lean.Parser.Term "structInst structInstFields structInstField structInstFieldDef structInstLVal optEllipsis dotIdent paren hygienicLParen"

/-- Parts of names that make the kernel run compiled code or say that one trusts it. -/
private def unspeakable : List Name := [`reduceBool, `reduceNat, `ofReduceBool, `ofReduceNat, `trustCompiler]

/-- What may stand before `in`. -/
private def scopeKinds : List Name :=
  [`Lean.Parser.Command.open, `Lean.Parser.Command.set_option, `Lean.Parser.Command.variable, `Lean.Parser.Command.universe, `Lean.Parser.Command.include,
    `Lean.Parser.Command.omit, `Lean.Parser.Command.attribute, `Lean.Parser.commandSeal__, `Lean.Parser.commandUnseal__]

/-- Something that a submission may not be made of. -/
structure Refusal where
  /-- What it is, in words. -/
  what : String
  /-- Where it stands. -/
  position? : Option String.Pos.Raw

/-- What is allowed. -/
structure Grammar where
  /-- Kinds. -/
  kinds : NameHashSet
  /-- Kinds inside a tactic's configuration. -/
  config : NameHashSet
  /-- Attributes. -/
  attributes : NameHashSet
  /-- Options. -/
  options : NameHashSet

/-- The grammar of core Lean. -/
def Grammar.core : Grammar :=
  let set (names : List Name) : NameHashSet := names.foldl (·.insert ·) {}
  { kinds := set (leaves ++ terms ++ tactics ++ commands), config := set configKinds, attributes := set attributeNames, options := set optionNames }

/-- This grammar and further kinds. -/
def Grammar.with (g : Grammar) (kinds : List Name) : Grammar :=
  { g with kinds := kinds.foldl (·.insert ·) g.kinds }

private def Grammar.hasOption (g : Grammar) : Name → Bool
  | .anonymous => false
  | name@(.str space _) | name@(.num space _) => g.options.contains name || g.hasOption space

/-- A word between kinds, `token.«=>»`; they are nodes when a parser looks for one of several words. -/
private def isToken (kind : Name) : Bool := kind.getRoot == `token

private def isSetOption (kind : Name) : Bool :=
  kind == ``Command.set_option || kind == ``Term.set_option || kind == ``Tactic.set_option || kind == `Lean.Parser.Tactic.Grind.setOption

/-- Whether a syntax kind was declared by the text of `env`, and not by its imports. -/
def isOwnKind (env : Environment) (kind : Name) : Bool :=
  env.constants.map₂.contains kind && (parserExtension.getState env).kinds.contains kind

/-- Whether Lean runs code of the submission's surroundings (an instance, a coercion) when it elaborates this: it does for the configuration of a tactic, and to make notation. -/
def evaluates (stx : Syntax) : Bool :=
  (stx.find? fun s => s.isOfKind ``Tactic.posConfigItem || s.isOfKind ``Tactic.negConfigItem || s.isOfKind ``Tactic.valConfigItem || s.getKind == `Lean.Parser.Command.notation ||
    s.getKind == `Lean.Parser.Command.mixfix).isSome

/-- Whether a declared name belongs to Lean itself. -/
private def isLeans (name : Name) : Bool := (name.replacePrefix rootNamespace .anonymous).getRoot == `Lean

/-- Where the walk through a submission is. -/
private inductive Place where
  /-- Anywhere. -/
  | text
  /-- In a tactic's configuration, where an option or field is named. -/
  | configName
  /-- In a tactic's configuration, where a value stands. -/
  | configValue
  deriving BEq

/-- Throws the first piece of syntax that the grammar does not have. `own` are the kinds that the trusted text or the submission declared. -/
partial def Grammar.check (g : Grammar) (own : Name → Bool) (stx : Syntax) : Except Refusal Unit :=
  walk .text stx
where
  walk (place : Place) : Syntax → Except Refusal Unit
    | stx@(.node _ kind args) => do
      if place == .text then
        unless g.kinds.contains kind || own kind || isToken kind do
          let keyword := (args.find? Syntax.isAtom <|> stx.find? Syntax.isAtom).elim "" fun atom => s!"`{atom.getAtomVal.trimAscii}` "
          refuse stx s!"{keyword}({kind})"
      else unless g.config.contains kind || isToken kind do refuse stx s!"{kind} in the configuration of a tactic"
      if kind == `Lean.Parser.Command.declId || kind == `Lean.Parser.Command.namespace then
        if let some id := args.find? fun a => a.isIdent && isLeans a.getId then refuse id s!"`{id.getId}`: the namespace `Lean` is closed"
      if kind == ``Command.in && !scopeKinds.contains args[0]!.getKind then refuse args[0]! s!"this command before `in` ({args[0]!.getKind})"
      if kind == ``Attr.simple && !g.attributes.contains args[0]!.getId then refuse args[0]! s!"the attribute `{args[0]!.getId}`"
      if isSetOption kind && !g.hasOption args[1]!.getId then refuse args[1]! s!"the option `{args[1]!.getId}`"
      if kind == ``Tactic.optConfig then args.forM (walk .configValue)
      else if kind == ``Tactic.posConfigItem || kind == ``Tactic.negConfigItem || (place != .text && (kind == ``Term.structInstLVal || kind == ``Term.dotIdent)) then
        args.forM (walk .configName)
      else if kind == ``Tactic.valConfigItem then
        args.extract 0 2 |>.forM (walk .configName)
        args.extract 2 args.size |>.forM (walk .configValue)
      else args.forM (walk place)
    | stx@(.ident _ _ name@(.str ..) _) => do
      if name.components.any unspeakable.contains then refuse stx s!"`{name}`"
      -- `decide +native` trusts compiled code.
      if place == .configName && name == `native then refuse stx "`native` in the configuration of a tactic"
      if place == .configValue && name != `true && name != `false then refuse stx s!"the value `{name}` in the configuration of a tactic"
    | _ => return
  refuse (stx : Syntax) (what : String) : Except Refusal Unit :=
    throw { what, position? := stx.getPos? }

end LemmaForge.Judge
