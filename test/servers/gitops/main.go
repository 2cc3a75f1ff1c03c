// Says what GitOps tools make of Kubernetes objects, with the libraries that they use themselves.
//
// It reads one question as JSON and prints the answer as JSON:
//
//	{"object": {…}, "scripts": {"health": "…"}, "expressions": {"current": "…", "failed": "…", "inProgress": "…"}}
//	{"kstatus": {"status": "Current", "message": "…"}, "scripts": {"health": {…}}, "flux": "Current"}
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Argo CD gives a script one second.
const scriptTime = time.Second

type question struct {
	Object      unstructured.Unstructured         `json:"object"`
	Scripts     map[string]string                 `json:"scripts"`
	Expressions *kustomize.HealthCheckExpressions `json:"expressions"`
}

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Kstatus verdict        `json:"kstatus"`
	Scripts map[string]any `json:"scripts"`
	Flux    string         `json:"flux,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	computed, err := status.Compute(&asked.Object)
	if err != nil {
		return err
	}
	said := answer{Kstatus: verdict{computed.Status.String(), computed.Message}, Scripts: map[string]any{}}
	for name, script := range asked.Scripts {
		if said.Scripts[name], err = runScript(script, asked.Object.Object); err != nil {
			return fmt.Errorf("the script %s: %w", name, err)
		}
	}
	if asked.Expressions != nil {
		if said.Flux, err = evaluate(asked.Expressions, &asked.Object); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(said)
}

func evaluate(expressions *kustomize.HealthCheckExpressions, object *unstructured.Unstructured) (string, error) {
	evaluator, err := cel.NewStatusEvaluator(expressions)
	if err != nil {
		return "", err
	}
	result, err := evaluator.Evaluate(context.Background(), object)
	if err != nil {
		return "", err
	}
	return result.Status.String(), nil
}

// runScript gives a script what Argo CD gives it: the object as the global obj, the base and the table library, and of os
// what reads the clock.
func runScript(script string, object map[string]any) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	state.SetContext(ctx)
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{
		// First, because the others register with it.
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, openClock},
	} {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	returned, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("returned %s, not a table", state.Get(-1).Type())
	}
	return fromLua(returned), nil
}

func openClock(state *lua.LState) int {
	module := state.RegisterModule(lua.OsLibName, map[string]lua.LGFunction{}).(*lua.LTable)
	whole := lua.NewState()
	defer whole.Close()
	all := whole.GetGlobal(lua.OsLibName).(*lua.LTable)
	for _, name := range []string{"time", "date"} {
		module.RawSetString(name, state.NewFunction(all.RawGetString(name).(*lua.LFunction).GFunction))
	}
	state.Push(module)
	return 1
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case lua.LBool:
		return bool(value)
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return float64(value)
	case *lua.LTable:
		if value.Len() > 0 {
			items := []any{}
			value.ForEach(func(_, item lua.LValue) { items = append(items, fromLua(item)) })
			return items
		}
		members := map[string]any{}
		value.ForEach(func(key, item lua.LValue) { members[key.String()] = fromLua(item) })
		return members
	default:
		return nil
	}
}
